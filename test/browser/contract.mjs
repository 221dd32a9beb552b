// Whether an answer is one that doc/openapi.yaml describes: for answers that a test makes up.
import { readFile } from 'node:fs/promises';

const contract = JSON.parse(await readFile(new URL('../../doc/openapi.json', import.meta.url), 'utf8'));

const isOf = {
  null: (value) => value === null, boolean: (value) => typeof value === 'boolean', string: (value) => typeof value === 'string', array: Array.isArray,
  integer: Number.isInteger, number: (value) => typeof value === 'number', object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const resolve = (schema) => (schema.$ref ? resolve(schema.$ref.slice(2).split('/').reduce((node, step) => node[step], contract)) : schema);

/** What of a value is not as the schema says: [words, …]; empty if all is well. Only the parts of JSON Schema that the contract uses. */
function faultsOf(value, given, where) {
  const schema = resolve(given);
  const fault = (words) => [`${where}: ${words}`];
  const types = [].concat(schema.type ?? []);
  if (schema.oneOf?.length && schema.oneOf.filter((one) => !faultsOf(value, one, where).length).length !== 1) return fault('is none of those allowed, or more than one');
  const all = (schema.allOf ?? []).flatMap((one) => faultsOf(value, one, where));
  if (types.length && !types.some((type) => isOf[type](value))) return fault(`${JSON.stringify(value)} is no ${types.join(' or ')}`);
  if (schema.enum && !schema.enum.includes(value)) return fault(`${JSON.stringify(value)} is none of ${schema.enum.join()}`);
  if ('const' in schema && schema.const !== value) return fault(`is not ${schema.const}`);
  if (schema.pattern && isOf.string(value) && !new RegExp(schema.pattern).test(value)) return fault(`${value} does not look like ${schema.pattern}`);
  if (isOf.array(value) && schema.items) return [...all, ...value.flatMap((one, i) => faultsOf(one, schema.items, `${where}[${i}]`))];
  if (!isOf.object(value)) return all;
  const known = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((name) => !(name in value)).flatMap((name) => fault(`${name} is missing`));
  const more = schema.additionalProperties === false ? Object.keys(value).filter((name) => !(name in known)).flatMap((name) => fault(`${name} is not known`)) : [];
  return [...all, ...missing, ...more, ...Object.entries(known).filter(([name]) => name in value).flatMap(([name, part]) => faultsOf(value[name], part, `${where}.${name}`))];
}

/** The faults of a value against a schema by its name. */
export const faultsAgainst = (name, value) => faultsOf(value, { $ref: `#/components/schemas/${name}` }, name);
