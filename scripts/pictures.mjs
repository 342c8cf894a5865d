// npm run pictures: takes the pictures of docs/ anew, in a dark and a light theme (scripts/docs/pictures.ts).
//   npm run pictures                              all of them
//   npm run pictures -- report findings           those that show verdicts
//   npm run pictures -- training --data FOLDER    trains on labelled clips, by default on noise and tones
import { runTool } from './prepare.mjs';

runTool('pictures', process.argv.slice(2));
