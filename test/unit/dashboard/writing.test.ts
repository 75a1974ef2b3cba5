import { describe, expect, it } from 'vitest';
import { beginWriting, draftOf, taken, typed } from '../../../src/dashboard/model/writing.js';

const base = (generation: number) => ({ revision: 7, generations: { web: generation } });
const found = { text: 'memory_mb = 64', base: base(1) };
const applied = { text: 'memory_mb = 80\n', base: base(2) };

describe('a definition that is written', () => {
  it('is no draft until something is typed, nor when it is as it was again', () => {
    const begun = beginWriting(undefined, found);
    expect(begun.text).toBe(found.text);
    expect(draftOf(begun)).toBeNull();
    const more = typed(begun, 'memory_mb = 80');
    expect(draftOf(more)).toEqual({ text: 'memory_mb = 80', base: base(1) });
    expect(draftOf(typed(more, found.text))).toBeNull();
  });

  it('is as the registry has it once it is applied, and no draft when the field says so', () => {
    const after = taken(typed(beginWriting(undefined, found), 'memory_mb=80'), applied, 'memory_mb=80');
    expect(after).toEqual({ ...applied, clean: applied.text, given: { text: applied.text, round: 1 } });
    expect(draftOf(typed(after, applied.text))).toBeNull();
  });

  it('keeps what was typed while it was being applied, as a change of what is there now', () => {
    const sent = 'memory_mb = 80';
    const more = typed(typed(beginWriting(undefined, found), sent), `${sent} # why`);
    const after = taken(more, applied, sent);
    expect(after.text).toBe(`${sent} # why`);
    expect(after.given).toBe(more.given);
    expect(draftOf(after)).toEqual({ text: `${sent} # why`, base: applied.base });
    expect(draftOf(typed(after, applied.text))).toBeNull();
  });

  it('is given up for what somebody else wrote', () => {
    const after = taken(typed(beginWriting(undefined, found), 'memory_mb = 96'), applied, null);
    expect(after.text).toBe(applied.text);
    expect(draftOf(after)).toBeNull();
  });

  it('goes on from a draft, and says when the service was changed since', () => {
    const draft = { text: 'memory_mb = 96', base: base(1) };
    expect(beginWriting(draft, found)).toMatchObject({ ...draft, clean: found.text });
    expect(beginWriting(draft, applied)).toMatchObject({ ...draft, clean: null });
    const fewer = { text: '', base: { revision: 7, generations: { web: 1, db: 1 } } };
    expect(beginWriting(draft, fewer).clean).toBeNull();
    const fresh = { text: 'name = "shop"', base: null };
    expect(beginWriting({ ...draft, base: null }, fresh).clean).toBe(fresh.text);
    expect(beginWriting({ ...draft, base: null }, found).clean).toBeNull();
  });
});
