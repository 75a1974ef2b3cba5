import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventList } from '../../../src/dashboard/model/event-list.js';
import { eventMatcher, fold } from '../../../src/dashboard/model/fold.js';
import { restartsByHour } from '../../../src/dashboard/model/restarts.js';
import { isTold, sumUp } from '../../../src/dashboard/model/since.js';
import { eventOf } from './views.js';

const everything = { severity: 'info', service: '', reason: '', text: '' } as const;

describe('folding', () => {
  it('makes one line of a crash loop for each kind of event, newest first', () => {
    const events = Array.from({ length: 30 }, (_, index) => {
      const reason = ['Exited', 'Restarted', 'BackOff'][index % 3] ?? '';
      return eventOf(index, { reason, message: `${reason} ${index} times, id ${'ab12'.repeat(4)}${index}` });
    });
    const lines = fold(events);
    expect(lines.map(({ event, count }) => [event.reason, count, event.revision])).toEqual([
      ['BackOff', 10, 29],
      ['Restarted', 10, 28],
      ['Exited', 10, 27],
    ]);
    expect(lines[2]?.firstAt).toBe(events[0]?.at);
    expect(lines.map(({ id }) => id)).toEqual(['2', '1', '0']);
  });

  it('keeps apart what differs in component, severity or words', () => {
    const events = [
      eventOf(1),
      eventOf(2, { component: 'db' }),
      eventOf(3, { severity: 'error' }),
      eventOf(4, { message: 'else' }),
    ];
    expect(fold(events)).toHaveLength(4);
  });

  it('does not join what lies far apart', () => {
    const between = Array.from({ length: 10 }, (_, index) =>
      eventOf(index + 1, { reason: `Other${'x'.repeat(index)}` }),
    );
    expect(fold([eventOf(0), ...between, eventOf(20)])).toHaveLength(12);
  });

  it('loses nothing: the counts add up', () => {
    const one = fc.record({
      reason: fc.constantFrom('Exited', 'Started', 'BackOff'),
      component: fc.constantFrom('web', 'db'),
      message: fc.constantFrom('a', 'b', 'took 3 s', 'took 4 s'),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60 }), (parts) => {
        const lines = fold(parts.map((part, index) => eventOf(index, part)));
        expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(parts.length);
        const revisions = lines.map(({ event }) => event.revision);
        expect(revisions).toEqual([...revisions].sort((a, b) => b - a));
      }),
    );
  });
});

describe('a list of events', () => {
  const revisionsOf = (list: EventList): readonly number[] => list.events.get().map(({ revision }) => revision);

  it('has each event once, in order, however it came', () => {
    const list = new EventList(100);
    list.add([eventOf(7)]);
    list.add([eventOf(5), eventOf(7), eventOf(6)]);
    list.add([eventOf(6)]);
    list.add([]);
    expect(revisionsOf(list)).toEqual([5, 6, 7]);
    expect(list.isCut).toBe(false);
  });

  it('keeps the newest, and says that there were more', () => {
    const list = new EventList(3);
    for (const revision of [1, 2, 3]) list.add([eventOf(revision)]);
    expect(list.isCut).toBe(false);
    list.add([eventOf(4)]);
    expect(revisionsOf(list)).toEqual([2, 3, 4]);
    expect(list.isCut).toBe(true);
    list.add([eventOf(9), eventOf(8)]);
    expect(revisionsOf(list)).toEqual([4, 8, 9]);
  });
});

describe('the filter of events', () => {
  it.each([
    [{ severity: 'warning' }, false],
    [{ service: 'shop' }, true],
    [{ service: 'mail' }, false],
    [{ reason: 'Exited' }, false],
    [{ text: 'WEB started' }, true],
    [{ text: 'web stopped' }, false],
  ] as const)('%j lets it through: %s', (part, expected) => {
    expect(eventMatcher({ ...everything, ...part })(eventOf(1))).toBe(expected);
  });
});

describe('what happened since', () => {
  it('counts only what is newer', () => {
    const events = [
      eventOf(1, { reason: 'Restarted' }),
      eventOf(2, { reason: 'Restarted' }),
      eventOf(3, { reason: 'DriftHealed' }),
      eventOf(4, { reason: 'RolledOut' }),
      eventOf(5, { reason: 'StepFailed', severity: 'error' }),
    ];
    const { notable, ...counts } = sumUp(events, 1_001_000);
    expect(counts).toEqual({ restarts: 1, heals: 1, deploys: 1, failures: 1 });
    expect(notable.map(({ event }) => event.reason)).toEqual(['StepFailed', 'RolledOut']);
  });
});

it('tells of every failure, restart, heal and deploy, and of no more', () => {
  const told = [
    eventOf(1, { severity: 'error' }),
    eventOf(2, { reason: 'Restarted' }),
    eventOf(3, { reason: 'PutBack' }),
  ];
  expect([...told, eventOf(4)].filter(isTold)).toEqual(told);
});

describe('restarts by the hour', () => {
  it('end with the present hour', () => {
    const hour = 3_600_000;
    const at = (hours: number): string => new Date(hours * hour + 5).toISOString();
    const events = [eventOf(1, { at: at(99), reason: 'Restarted' }), eventOf(2, { at: at(76), reason: 'Restarted' })];
    events.push(eventOf(3, { at: at(99) }), eventOf(4, { at: at(70), reason: 'Restarted' }));
    const hours = restartsByHour(events, 99 * hour + 1_000);
    expect(hours).toHaveLength(24);
    expect(hours.at(-1)).toEqual({ fromMs: 99 * hour, count: 1 });
    expect(hours[0]).toEqual({ fromMs: 76 * hour, count: 1 });
    expect(hours.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });
});
