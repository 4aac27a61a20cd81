/** Whether a switch is on; `${VARIABLE}` in app-config yields strings. */
export function isOn(flag: unknown): boolean {
  return flag === true || flag === 'true';
}
