/** Apart from the other outlines: the first screen needs this one only. */
export const ALERT = "M12 8v5M12 16.5v.1M12 3l9.5 17h-19z";
