import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

/** `+81 3-1234-5678`; what is not E.164 (a short code, a SIP name) stays as it is. */
export function formatNumber(number: string): string {
  if (!number.startsWith('+')) return number;
  const parsed = parsePhoneNumberFromString(number);
  if (parsed === undefined) return number;
  // Japan writes hyphens; the library's international form has spaces only.
  return parsed.countryCallingCode === '81' ? `+81 ${parsed.formatNational().replace(/^0/, '')}` : parsed.formatInternational();
}
