/**
 * What of ICU's data a program without a user is never asked for.
 *
 * An item that is filled with zeros is one without a header: ICU refuses it (U_INVALID_FORMAT_ERROR), and an Intl object that needs it
 * throws. Regular expressions, normalisation and UTF-8 do not: the properties of characters are no items but tables of the program.
 */

/** Data that is of no language. ICU starts with the first. */
const KEPT =
  /^(?:[a-z0-9]+\.(?:icu|nrm|spp)|(?:root|pool|res_index|icuver|icustd|keyTypeData|likelySubtags|metaZones|numberingSystems|plurals|supplementalData|timezoneTypes|windowsZones|zoneinfo64)\.res)$/;

export function isUnusedItem(name: string): boolean {
  return !KEPT.test(name);
}
