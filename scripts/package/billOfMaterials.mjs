// The parts of the product and their licences, in the form that other tools read.

/**
 * A CycloneDX 1.5 document.
 * @param parties Name, SPDX licence and, where there is one, version of each part; a name without spaces is npm's.
 * @param product Name and version of what they are parts of.
 */
export function softwareBillOfMaterials(parties, { name, version }) {
  const components = parties.map((party) => ({
    type: 'library',
    name: party.name,
    ...(party.version === undefined ? {} : { version: party.version }),
    licenses: [licenceField(party.licence)],
    ...(party.version === undefined || party.name.includes(' ')
      ? {}
      : { purl: `pkg:npm/${party.name.replace('@', '%40')}@${party.version}` }),
  }));
  const component = { type: 'application', name, version };
  return { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata: { component }, components };
}

/** A licence as CycloneDX has it: one of SPDX's names, an expression of several, or a text of one's own. */
function licenceField(licence) {
  if (licence.includes(' OR ')) return { expression: licence };
  return { license: /^[\w.+-]+$/.test(licence) ? { id: licence } : { name: licence } };
}
