import { loadDirectory } from '../../db/directory.ts';
import { type CustomerRecord, type ProductRecord, readCustomers, writeCustomers } from '../../db/import/customers.ts';
import {
  CellError,
  date,
  duplicates,
  email,
  list,
  matching,
  oneOf,
  optional,
  orDefault,
  phone,
  REGION_FORM,
  readRows,
  region,
  text,
  unknown,
} from './cells.ts';
import { compare, given, type Importer, inBatches } from './plan.ts';

const PRODUCTS_FORM = 'CODE, CODE:SERIAL or CODE:SERIAL:DATE, several by semicolons: MS-100:A-17:2024-04-15; CAL-1';

const product = (cell: string): ProductRecord => {
  const [code = '', serial = '', day = '', ...more] = cell.split(':').map((part) => part.trim());
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(code) || more.length > 0) throw new CellError(`"${cell}" can't be read`, PRODUCTS_FORM);
  return { code, serial: serial === '' ? null : serial, boughtOn: day === '' ? null : date(day) };
};

export function customers(country: string): Importer {
  const columns = {
    code: {
      required: true,
      form: '1 to 20 letters, digits or hyphens; digits only if callers are to dial it',
      example: '10023',
      read: matching(/^[A-Za-z0-9-]{1,20}$/),
    },
    name: { required: true, form: 'text', example: '佐藤 花子', read: text },
    kana: { required: false, form: 'text', example: 'サトウ ハナコ', read: optional(text) },
    kind: {
      required: false,
      form: 'customer (when empty) or prospect',
      example: 'customer',
      read: orDefault(oneOf('customer', 'prospect')),
    },
    language: { required: false, form: 'ja or en', example: 'ja', read: optional(oneOf('ja', 'en')) },
    region: { required: false, form: REGION_FORM, example: '13', read: optional(region) },
    phones: {
      required: false,
      form: `telephone numbers by semicolons, as +81312345678 or as usual in ${country}`,
      example: '+81312345678; 090-1234-5678',
      read: list(phone(country)),
    },
    emails: { required: false, form: 'addresses by semicolons', example: 'hanako@example.jp', read: list(email) },
    address: { required: false, form: 'text', example: '東京都千代田区丸の内 1-1', read: optional(text) },
    note: { required: false, form: 'text', example: '', read: optional(text) },
    handling_desk: { required: false, form: 'id of a desk', example: 'tokyo-desk', read: optional(text) },
    products: { required: false, form: PRODUCTS_FORM, example: 'MS-100:A-17:2024-04-15; CAL-1', read: list(product) },
  } as const;
  return {
    columns,
    about: 'customers and prospects; one that has the code already is changed, nobody is removed',
    async plan(db, domainId, file) {
      const [{ desks }, existing] = await Promise.all([loadDirectory(db, domainId), readCustomers(db, domainId)]);
      const { rows, mistakes } = readRows(file.rows, columns);
      mistakes.push(
        ...duplicates(
          rows.map(({ line, values }) => ({ line, value: values.code })),
          'code',
        ),
      );
      for (const { line, values } of rows) {
        const desk = values.handling_desk ?? null;
        if (desk !== null && !desks.has(desk)) {
          mistakes.push({ line, column: 'handling_desk', reason: unknown('desk', desk, desks.keys()), form: 'id of a desk' });
        }
      }
      const bad = new Set(mistakes.map((mistake) => mistake.line));
      const wanted = rows
        .filter(({ line }) => !bad.has(line))
        .map(({ values }) => {
          const { code = '', handling_desk: handlingDesk, ...others } = values;
          return [code, { ...(existing.get(code) ?? blank(code)), ...given<CustomerRecord>({ ...others, handlingDesk }) }] as const;
        });
      const { write, counts } = compare(wanted, existing);
      return {
        mistakes,
        counts,
        needPassword: [],
        write: (client, _hashes, progress) => inBatches(write, (batch) => writeCustomers(client, domainId, batch), progress),
      };
    },
  };
}

function blank(code: string): CustomerRecord {
  return {
    id: `customer-${code}`,
    code,
    kind: 'customer',
    name: '',
    kana: null,
    language: null,
    region: null,
    address: null,
    note: null,
    handlingDesk: null,
    phones: [],
    emails: [],
    products: [],
  };
}
