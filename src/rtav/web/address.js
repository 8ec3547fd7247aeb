/** The key and the wishes that came in the page's address, behind the `#` where no server sees them. */

const STORED_KEY = 'rtav.key';
const WISHES = ['model', 'voice', 'face', 'driving'];

/**
 * Take the key out of the address, so that it is in no bookmark, history or screenshot, and keep it
 * for this tab: a reload still has it.
 * @param {{location: Location, history: History, sessionStorage: Storage}} browser the window
 * @returns {{key: string, wishes: Record<string, string>}} an empty key if there is none
 */
export function readAddress({ location, history, sessionStorage }) {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get('key');
  if (given) {
    keepKey(sessionStorage, given);
    fragment.delete('key');
    const rest = fragment.toString();
    history.replaceState(null, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
  }
  const wishes = Object.fromEntries(
    WISHES.filter((name) => fragment.get(name)).map((name) => [name, fragment.get(name)]),
  );
  return { key: sessionStorage.getItem(STORED_KEY) ?? '', wishes };
}

/** @param {Storage} storage @param {string} key */
export function keepKey(storage, key) {
  storage.setItem(STORED_KEY, key);
}
