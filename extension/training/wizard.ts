import * as vscode from 'vscode';

/** What a step came to: a value, a step back, or the end of it all. */
type Answer<T> = T | 'back' | undefined;

/** A step: asks with `ui` and returns 'back' or undefined as it gets them. Returning true goes on. */
export type Step = (ui: StepUi) => Promise<true | 'back' | undefined>;

/** How a step asks. */
export interface StepUi {
  pick<T extends vscode.QuickPickItem>(
    items: readonly T[],
    placeholder: string,
    active?: T,
  ): Promise<Answer<T>>;
  /** @param check Returns why a text is not accepted, or undefined. */
  input(prompt: string, value: string, check: (text: string) => string | undefined): Promise<Answer<string>>;
}

/** Asks step after step, with a way back. Resolves to whether all were answered. */
export async function runWizard(title: string, steps: readonly Step[]): Promise<boolean> {
  for (let index = 0; index < steps.length; ) {
    const answer = await steps[index](stepUi(title, index, steps.length));
    if (answer === undefined) return false;
    index += answer === 'back' ? -1 : 1;
  }
  return true;
}

function stepUi(title: string, index: number, count: number): StepUi {
  const prepare = <I extends vscode.QuickPick<vscode.QuickPickItem> | vscode.InputBox>(input: I) => {
    input.title = title;
    input.step = index + 1;
    input.totalSteps = count;
    input.ignoreFocusOut = true;
    if (index > 0) input.buttons = [vscode.QuickInputButtons.Back];
  };
  return {
    pick<T extends vscode.QuickPickItem>(items: readonly T[], placeholder: string, active?: T) {
      const input = vscode.window.createQuickPick<T>();
      prepare(input as unknown as vscode.QuickPick<vscode.QuickPickItem>);
      input.items = items;
      input.placeholder = placeholder;
      input.matchOnDetail = true;
      if (active !== undefined) input.activeItems = [active];
      return settle<T>(input, (accept) => {
        input.onDidAccept(() => {
          const [item] = input.selectedItems;
          if (item !== undefined) accept(item);
        });
      });
    },
    input(prompt, value, check) {
      const input = vscode.window.createInputBox();
      prepare(input);
      input.prompt = prompt;
      input.value = value;
      input.onDidChangeValue((text) => {
        input.validationMessage = check(text);
      });
      return settle<string>(input, (accept) => {
        input.onDidAccept(() => {
          input.validationMessage = check(input.value);
          if (input.validationMessage === undefined) accept(input.value);
        });
      });
    },
  };
}

/** Shows a quick input and waits for its answer. */
function settle<T>(
  input: Pick<vscode.InputBox, 'onDidTriggerButton' | 'onDidHide' | 'show' | 'dispose'>,
  listen: (accept: (value: T) => void) => void,
): Promise<Answer<T>> {
  return new Promise<Answer<T>>((resolve) => {
    listen(resolve);
    input.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) resolve('back');
    });
    input.onDidHide(() => resolve(undefined));
    input.show();
  }).finally(() => input.dispose());
}
