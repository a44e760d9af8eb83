/**
 * Decides which items of ICU's data a program without users never needs.
 *
 * An item that is filled with zeros has no header. ICU rejects it (U_INVALID_FORMAT_ERROR), and an Intl object that
 * needs it throws. Regular expressions, normalisation and UTF-8 keep working, because the properties of characters are
 * tables of the program, not items.
 */

/** Items that belong to no language. ICU reads the first of them when it starts. */
const KEPT =
  /^(?:[a-z0-9]+\.(?:icu|nrm|spp)|(?:root|pool|res_index|icuver|icustd|keyTypeData|likelySubtags|metaZones|numberingSystems|plurals|supplementalData|timezoneTypes|windowsZones|zoneinfo64)\.res)$/;

/**
 * Tells whether the agent never needs an item.
 *
 * @param name the item's name without the package's name: `coll/zh.res`
 */
export function isUnusedItem(name: string): boolean {
  return !KEPT.test(name);
}
