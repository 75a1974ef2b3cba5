/** Values of a wrong type, out of range or with an unknown key, with every problem that is reported. */
import type { BadDefinition } from './bad-definition.js';

export const badTypes: readonly BadDefinition[] = [
  {
    title: 'nothing at all',
    text: ``,
    problems: [
      '1:1 name | the service has no name | a text, for example name = "shop"',
      '1:1 components | the service has no components | one [[components]] heading for each program, at least one',
    ],
  },
  {
    title: 'a service without components',
    text: `name = "shop"
components = []
`,
    problems: [
      '2:14 components | components has 0 entries, less than 1 | one [[components]] heading for each program, at least one',
    ],
  },
  {
    title: 'one heading with single brackets',
    text: `name = "shop"
[components]
name = "web"
`,
    problems: ['2:2 components | components is a table | write the heading with two brackets: [[components]]'],
  },
  {
    title: 'wrong types everywhere',
    text: `name = 7
node = true
active = "yes"
[[components]]
name = ["web"]
runtime = 1
image = { name = "a" }
build = "."
memory_mb = "128"
vcpus = "1.5"
command = "sh"
env = ["A=b"]
ports = 8080
volumes = "a:/b"
user = 1000
ready_timeout_s = 1.5
stop_timeout_s = 1979-05-27
depends_on = "db"
health = true
`,
    problems: [
      '1:8 name | name is the number 7 | write it in quotes: name = "7"',
      '2:8 node | node is true | write it in quotes: node = "true"',
      '3:10 active | active is the text "yes" | true or false',
      '5:8 components[0].name | name is a list | a text, for example name = "web"',
      '6:11 components[0].runtime | runtime is the number 1 | one of "container", "microvm", "unikernel"',
      '7:9 components[0].image | image is a table | a text, for example image = "localhost/shop-web:1.4"',
      '8:9 components[0].build | build is the text "." | a table, for example build = { context = "." }',
      '9:13 components[0].memory_mb | memory_mb is the text "128" | write it without quotes: memory_mb = 128',
      '10:9 components[0].vcpus | vcpus is the text "1.5" | write it without quotes: vcpus = 1.5',
      '11:11 components[0].command | command is the text "sh" | write it as a list: command = ["sh"]',
      '12:7 components[0].env | env is a list | a table, for example env = { LOG_LEVEL = "info" }',
      '13:9 components[0].ports | ports is the number 8080 | a list of texts, for example ports = ["127.0.0.1:8080:80"]',
      '14:11 components[0].volumes | volumes is the text "a:/b" | write it as a list: volumes = ["a:/b"]',
      '15:8 components[0].user | user is the number 1000 | write it in quotes: user = "1000"',
      '16:19 components[0].ready_timeout_s | ready_timeout_s is the number 1.5 | a whole number of seconds from 1 to 3600, for example ready_timeout_s = 60',
      '17:18 components[0].stop_timeout_s | stop_timeout_s is a date | write it in quotes',
      '18:14 components[0].depends_on | depends_on is the text "db" | write it as a list: depends_on = ["db"]',
      '19:10 components[0].health | health is true | a table, for example health = { http = "/healthz", port = 8080 }',
    ],
  },
  {
    title: 'units and dates',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
memory_mb = "512MB"
user = 1979-05-27
`,
    problems: [
      '5:13 components[0].memory_mb | memory_mb is the text "512MB" | write it without a unit: memory_mb = 512',
      '6:8 components[0].user | user is a date | write it in quotes',
    ],
  },
  {
    title: 'values out of range',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
memory_mb = 2
vcpus = 0
ready_timeout_s = 0
log_limit_mb = 1_000_000
stop_timeout_s = -1
[[components]]
name = "db"
image = "a"
memory_mb = 99999999999999999999
vcpus = inf
health = { tcp = false, port = 70000, interval_s = 0, restart_after = 0 }
`,
    problems: [
      '5:13 components[0].memory_mb | memory_mb is 2, less than 4 | a whole number of mebibytes from 4 to 1048576, for example memory_mb = 128',
      '6:9 components[0].vcpus | vcpus is 0, less than 0.01 | a number of cores from 0.01 to 512, for example vcpus = 1',
      '7:19 components[0].ready_timeout_s | ready_timeout_s is 0, less than 1 | a whole number of seconds from 1 to 3600, for example ready_timeout_s = 60',
      '8:16 components[0].log_limit_mb | log_limit_mb is 1000000, more than 102400 | a whole number of mebibytes from 1 to 102400, for example log_limit_mb = 50',
      '9:18 components[0].stop_timeout_s | stop_timeout_s is -1, less than 0 | a whole number of seconds from 0 to 3600, for example stop_timeout_s = 10',
      '13:13 components[1].memory_mb | memory_mb is 100000000000000000000, more than 1048576 | a whole number of mebibytes from 4 to 1048576, for example memory_mb = 128',
      '14:9 components[1].vcpus | vcpus is the number Infinity | a number of cores from 0.01 to 512, for example vcpus = 1',
      '15:18 components[1].health.tcp | tcp is false | true, or leave it out',
      '15:32 components[1].health.port | port is 70000, more than 65535 | a whole number from 1 to 65535, for example port = 8080',
      '15:52 components[1].health.interval_s | interval_s is 0, less than 0.1 | a number of seconds from 0.1 to 3600, for example interval_s = 5',
      '15:71 components[1].health.restart_after | restart_after is 0, less than 1 | a whole number from 1 to 1000, for example restart_after = 3',
    ],
  },
  {
    title: 'words that are no choice',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
runtime = "micro-vm"
pull = "newer"
update = "pined"
restart = "unless-stopped"
reconcile = "Observe"
`,
    problems: [
      '5:11 components[0].runtime | runtime is the text "micro-vm" | did you mean "microvm"? It is one of "container", "microvm", "unikernel"',
      '6:8 components[0].pull | pull is the text "newer" | did you mean "never"? It is one of "missing", "always", "never"',
      '7:10 components[0].update | update is the text "pined" | did you mean "pinned"? It is one of "pinned", "auto"',
      '8:11 components[0].restart | restart is the text "unless-stopped" | one of "always", "on-failure", "never"',
      '9:13 components[0].reconcile | reconcile is the text "Observe" | did you mean "observe"? It is one of "auto", "observe", "ignore"',
    ],
  },
  {
    title: 'unknown keys',
    text: `nme = "shop"
replicas = 3
memory_mb = 1
[[components]]
name = "web"
image = "a"
memory = 12
memoryMb = 12
cpus = 1
enviroment = {}
active = true
xyzzy = 1
build = { context = ".", dockerfile = "x" }
[components.health]
http = "/"
port = 80
intervall_s = 3
ports = ["80:80"]
`,
    problems: [
      '1:1 name | the service has no name | a text, for example name = "shop"',
      '1:1 nme | the service has no key nme | did you mean name?',
      '2:1 replicas | the service has no key replicas | the keys here are name, node, active, components',
      '3:1 memory_mb | the service has no key memory_mb | memory_mb belongs to a component: write it right below its [[components]] heading',
      '7:1 components[0].memory | components[0] has no key memory | did you mean memory_mb?',
      '8:1 components[0].memoryMb | components[0] has no key memoryMb | did you mean memory_mb?',
      '9:1 components[0].cpus | components[0] has no key cpus | did you mean vcpus?',
      '10:1 components[0].enviroment | components[0] has no key enviroment | did you mean env?',
      '11:1 components[0].active | components[0] has no key active | active belongs to the service: write it above the first [[components]]',
      '12:1 components[0].xyzzy | components[0] has no key xyzzy | the keys here are name, runtime, image, build, pull, update, memory_mb, vcpus, command, env, env_file, secret_file, ports, volumes, files, user, restart, ready_timeout_s, log_limit_mb, stop_timeout_s, reconcile, depends_on, health',
      '13:26 components[0].build.dockerfile | components[0].build has no key dockerfile | did you mean file?',
      '17:1 components[0].health.intervall_s | components[0].health has no key intervall_s | did you mean interval_s?',
      '18:1 components[0].health.ports | components[0].health has no key ports | did you mean port? ports belongs to a component: write it right below its [[components]] heading',
    ],
  },
];
