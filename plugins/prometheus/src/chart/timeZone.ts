import { createContext, useContext } from 'react';

/** IANA; `undefined` for the zone of whoever looks. */
const TimeZone = createContext<string | undefined>(undefined);

/** The zone that times of a page are told in. */
export const TimeZoneProvider = TimeZone.Provider;

export function useTimeZone(): string | undefined {
  return useContext(TimeZone);
}
