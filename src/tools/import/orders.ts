import { knownCustomers, type OrderRecord, readOrders, writeOrders } from '../../db/import/orders.ts';
import { date, duplicates, matching, optional, readRows, text } from './cells.ts';
import { compare, given, type Importer, inBatches } from './plan.ts';

const columns = {
  number: {
    required: true,
    form: '1 to 40 letters, digits, hyphens, dots or slashes; a caller dials its digits',
    example: 'A-2026-00117',
    read: matching(/^[A-Za-z0-9][A-Za-z0-9./-]{0,39}$/),
  },
  customer: { required: true, form: 'code of a customer', example: '10023', read: text },
  ordered_on: { required: false, form: 'a date, as 2026-11-23', example: '2026-11-02', read: optional(date) },
  status: { required: false, form: 'text', example: 'shipped', read: text },
} as const;

export function orders(): Importer {
  return {
    columns,
    about: 'customers’ orders, by whose numbers callers are found; one that has the number already is changed, none is removed',
    async plan(db, domainId, file) {
      const { rows, mistakes } = readRows(file.rows, columns);
      const codes = rows.map(({ values }) => values.customer ?? '');
      const [existing, customers] = await Promise.all([readOrders(db, domainId), knownCustomers(db, domainId, codes)]);
      mistakes.push(
        ...duplicates(
          rows.map(({ line, values }) => ({ line, value: values.number })),
          'number',
        ),
      );
      for (const { line, values } of rows) {
        const code = values.customer ?? '';
        if (customers.has(code)) continue;
        mistakes.push({
          line,
          column: 'customer',
          reason: `there is no customer "${code}"`,
          form: 'code of a customer; import them first',
        });
      }
      const bad = new Set(mistakes.map((mistake) => mistake.line));
      const wanted = rows
        .filter(({ line }) => !bad.has(line))
        .map(({ values }) => {
          const { number = '', customer = '', ordered_on: orderedOn, status } = values;
          const before = existing.get(number) ?? { number, customer, orderedOn: null, status: '' };
          return [number, { ...before, ...given<OrderRecord>({ customer, orderedOn, status }) }] as const;
        });
      const { write, counts } = compare(wanted, existing);
      return {
        mistakes,
        counts,
        needPassword: [],
        write: (client, _hashes, progress) => inBatches(write, (batch) => writeOrders(client, domainId, batch), progress),
      };
    },
  };
}
