/** Values that do not fit each other, and places in odd spellings, with every problem that is reported. */
import type { BadDefinition } from './bad-definition.js';

export const badRules: readonly BadDefinition[] = [
  {
    title: 'a fraction of a core for a VM',
    text: `name = "shop"
[[components]]
name = "web"
runtime = "microvm"
image = "a"
vcpus = 1.5
`,
    problems: [
      '6:9 components[0].vcpus | a microvm cannot have 1.5 cores | give it whole cores, for example vcpus = 2',
    ],
  },
  {
    title: 'dependencies that are not there',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
depends_on = ["dbs", "queue", "db", "db"]
[[components]]
name = "db"
image = "a"
`,
    problems: [
      '5:15 components[0].depends_on[0] | shop/web depends on "dbs", and service "shop" has no such component | did you mean "db"?',
      '5:22 components[0].depends_on[1] | shop/web depends on "queue", and service "shop" has no such component | name one of: db',
      '5:37 components[0].depends_on[3] | "db" is named twice | name it once',
    ],
  },
  {
    title: 'a circle of dependencies',
    text: `name = "shop"
[[components]]
name = "a"
image = "a"
depends_on = ["b"]
[[components]]
name = "b"
image = "a"
depends_on = ["c"]
[[components]]
name = "c"
image = "a"
depends_on = ["a"]
[[components]]
name = "d"
image = "a"
depends_on = ["d"]
`,
    problems: [
      '13:15 components[2].depends_on[0] | the components depend on each other in a circle: c → a → b → c | remove one of these dependencies',
      '17:15 components[3].depends_on[0] | the components depend on each other in a circle: d → d | remove one of these dependencies',
    ],
  },
  {
    title: 'places behind a byte order mark and CRLF',
    text: `\ufeffname = "shop"\r
# comment\r
[[components]]\r
name = "web"\r
image = """\r
A"""\r
`,
    problems: ['5:9 components[0].image | "A" has upper-case letters in "A" | write it in lower case: "a"'],
  },
  {
    title: 'dotted keys and inline tables',
    text: `name = "shop"
components = [
  { name = "web", image = "a", health.http = "/", health.prot = 80 },
  { name = "Db", "image" = "a" },
]
`,
    problems: [
      '3:32 components[0].health | health probes by http but has no port | name the port inside, for example port = 8080',
      '3:58 components[0].health.prot | components[0].health has no key prot | did you mean port?',
      '4:12 components[1].name | "Db" is no name: it has upper-case letters | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "db"',
    ],
  },
];
