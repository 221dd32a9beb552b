// Whether an answer is one that doc/openapi.yaml describes: for answers that a test makes up.
import { readFile } from 'node:fs/promises';

const contract = JSON.parse(await readFile(new URL('../../doc/openapi.json', import.meta.url), 'utf8'));

const isOf = {
  null: (value) => value === null, boolean: (value) => typeof value === 'boolean', string: (value) => typeof value === 'string', array: Array.isArray,
  integer: Number.isInteger, number: (value) => typeof value === 'number', object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const formats = { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, date: /^\d{4}-\d\d-\d\d$/, uri: /^https?:\/\/\S+$/, email: /.@./ };
const spoken = ['description', 'default', 'examples', 'writeOnly']; // what a schema only says

const resolve = (reference) => reference.slice(2).split('/').reduce((node, step) => node[step], contract);
const matches = (schemas, value) => schemas.filter((one) => !faultsOf(value, one, '').length).length;
const limit = (kind, keep, words) => (wanted, value) => !isOf[kind](value) || keep(value, wanted) || `${words} ${wanted}`;

/** By keyword: true if the value is as it says, else words, or the faults further in. Only the parts of JSON Schema that the contract uses. */
const judges = {
  $ref: (reference, value, where) => faultsOf(value, resolve(reference), where),
  type: (types, value) => [].concat(types).some((type) => isOf[type](value)) || `is no ${[].concat(types).join(' or ')}`,
  enum: (values, value) => values.includes(value) || `is none of ${values.join()}`,
  const: (wanted, value) => wanted === value || `is not ${wanted}`,
  pattern: limit('string', (value, pattern) => new RegExp(pattern).test(value), 'does not look like'),
  format: limit('string', (value, name) => formats[name].test(value), 'is no'),
  minLength: limit('string', (value, n) => value.length >= n, 'is shorter than'),
  maxLength: limit('string', (value, n) => value.length <= n, 'is longer than'),
  minimum: limit('number', (value, n) => value >= n, 'is less than'),
  maximum: limit('number', (value, n) => value <= n, 'is more than'),
  minItems: limit('array', (value, n) => value.length >= n, 'has fewer than'),
  maxItems: limit('array', (value, n) => value.length <= n, 'has more than'),
  oneOf: (schemas, value) => matches(schemas, value) === 1 || 'is none of those allowed, or more than one',
  anyOf: (schemas, value) => matches(schemas, value) > 0 || 'is none of those allowed',
  allOf: (schemas, value, where) => schemas.flatMap((one) => faultsOf(value, one, where)),
  items: (schema, value, where) => !isOf.array(value) || value.flatMap((one, i) => faultsOf(one, schema, `${where}[${i}]`)),
  required: (names, value) => !isOf.object(value) || names.every((name) => name in value) || `lacks ${names.filter((name) => !(name in value))}`,
  properties: (parts, value, where) =>
    !isOf.object(value) || Object.entries(parts).flatMap(([name, part]) => (name in value ? faultsOf(value[name], part, `${where}.${name}`) : [])),
  additionalProperties: (schema, value, where, { properties = {} }) =>
    !isOf.object(value) ||
    Object.entries(value).flatMap(([name, one]) => {
      if (name in properties) return [];
      return schema === false ? [`${where}: ${name} is not known`] : faultsOf(one, schema, `${where}.${name}`);
    }),
};

/** What of a value is not as the schema says: [words, …]; empty if all is well. Throws if the schema asks for what nobody here judges. */
export function faultsOf(value, schema, where) {
  return Object.entries(schema).flatMap(([keyword, wanted]) => {
    if (spoken.includes(keyword)) return [];
    if (!(keyword in judges)) throw new Error(`${where}: nobody judges ${keyword}`);
    const found = judges[keyword](wanted, value, where, schema);
    if (found === true) return [];
    return isOf.array(found) ? found : [`${where}: ${JSON.stringify(value)} ${found}`];
  });
}

/** The faults of a value against a schema by its name. */
export const faultsAgainst = (name, value) => faultsOf(value, { $ref: `#/components/schemas/${name}` }, name);
