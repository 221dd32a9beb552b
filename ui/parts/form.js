// What a form holds and what is wrong with it: checked here, refused by the server, or neither.
import { useRef, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { t, textOr } from '../i18n.js';

/** The field that a JSON pointer speaks of: the deepest part of it that is one of ours ("/quota/per_hour", "/networks/1"). */
const fieldOf = (pointer, names) => pointer.split('/').slice(1).reverse().find((part) => names.includes(part));

/** The faults that belong to a field, as { name: text }; the server's words where the page has none of its own. */
function faultsOf(error, names) {
  const found = {};
  for (const { pointer, code, detail } of error.errors ?? []) {
    const name = fieldOf(pointer ?? '', names);
    if (name && !found[name]) found[name] = textOr(`fault.${code}`, detail);
  }
  return found;
}

/**
 * first: the values at the beginning, whose keys are also the ids (or, of a group, the names) of the fields, in the order they stand.
 * { values, faults, problem, busy, ref, set(name), put(values), field(name, label), submit(check, send) }: submit answers a handler;
 * check(values) → faults of the page, send(values) does it; what is wrong is framed, said, and the first of it has the focus.
 */
export function useForm(first) {
  const [values, setValues] = useState(first);
  const [faults, setFaults] = useState({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const ref = useRef(null);
  const names = Object.keys(first);

  const show = (found) => {
    setFaults(found);
    const name = names.find((one) => found[one]);
    if (name) ref.current?.querySelector(`#${name}, [name="${name}"]`)?.focus();
    return Boolean(name);
  };
  const set = (name) => (value) => {
    setValues((now) => ({ ...now, [name]: value }));
    setFaults((now) => ({ ...now, [name]: '' }));
  };
  const submit = (check, send) => async (event) => {
    event.preventDefault();
    if (busy) return;
    setProblem('');
    if (show(check(values))) return;
    setBusy(true);
    try {
      await send(values);
    } catch (error) {
      if (!show(faultsOf(error, names))) setProblem(errorText(error));
    }
    setBusy(false);
  };
  return {
    values, faults, problem, busy, ref, set, submit,
    put: (next) => setValues((now) => ({ ...now, ...next })),
    field: (name, label, more = {}) => ({ id: name, label: t(label), value: values[name], fault: faults[name], onValue: set(name), ...more }),
  };
}
