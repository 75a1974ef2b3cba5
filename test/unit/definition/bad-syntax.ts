/** Texts that are no TOML, with every problem that is reported. */
import type { BadDefinition } from './bad-definition.js';

export const badSyntax: readonly BadDefinition[] = [
  {
    title: 'half of a character',
    text: 'name = "shop"\nnode = "a\udc00"\n',
    problems: [
      '2:10 - | the text holds half of a character (a surrogate on its own), which UTF-8 cannot write | take it out',
    ],
  },
  {
    title: 'TOML that is cut off in a text',
    text: `name = "sh`,
    problems: [
      '1:8 - | this text is not closed (unfinished string) | end it with the quote that it begins with, on the same line',
    ],
  },
  {
    title: 'a value without quotes',
    text: `name = shop
`,
    problems: [
      '1:8 - | this is no value (invalid value) | write texts in quotes; other values are numbers, true, false, [lists] and { tables }',
    ],
  },
  {
    title: 'a number with a unit',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
memory_mb = 128MB
`,
    problems: [
      '5:16 - | this is no number (illegal character in numeric literal) | write digits only, without a unit, or put the value in quotes',
    ],
  },
  {
    title: 'a key twice',
    text: `name = "shop"
name = "shop"
`,
    problems: [
      '2:1 - | this key or table is defined twice (trying to redefine an already defined table or value) | keep one of the two',
    ],
  },
  {
    title: 'a heading that is not closed',
    text: `name = "shop"
[[components]
name = "web"
`,
    problems: ['2:14 - | the heading is not closed (expected end of table array declaration) | write [[components]]'],
  },
  {
    title: 'a list without a comma',
    text: `name = "shop"
[[components]]
name = "web"
command = ["a" "b"]
`,
    problems: [
      '4:16 - | a comma or the closing bracket is missing (expected comma or end of structure) | separate entries with commas',
    ],
  },
  {
    title: 'a list that is not closed',
    text: `name = "shop"
[[components]]
name = "web"
command = ["a",
`,
    problems: ['5:1 - | the file ends where a value should stand | is it whole? Write the rest of it'],
  },
  {
    title: 'two values on a line',
    text: `name = "shop" node = "local"
`,
    problems: [
      '1:15 - | there is something after the value (each key-value declaration must be followed by an end-of-line) | begin a new line after each value',
    ],
  },
  {
    title: 'a control character',
    text: `name = "a\u0001b"
`,
    problems: [
      '1:10 - | there is a control character (control characters are not allowed in strings) | remove it; in a text write it as an escape such as \\n',
    ],
  },
  {
    title: 'an unknown escape',
    text: `name = "C:\\path"
`,
    problems: [
      '1:12 - | this escape is unknown (unrecognised escape sequence) | write \\\\ for one backslash, or put the text between single quotes',
    ],
  },
  {
    title: 'lists in lists in lists',
    text: `x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[`,
    problems: [
      '1:37 - | tables or lists are nested too deeply (document contains excessively nested structures. aborting.) | at most 32 levels',
    ],
  },
];
