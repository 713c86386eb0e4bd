"""Dead letters that heal: a small fix language, and the way of a repaired call back onto topic `events`."""
