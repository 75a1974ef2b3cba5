/** What preact/compat calls memo, without the rest of it. */
import { Component, h, type ComponentChild, type FunctionComponent } from 'preact';

/** A component that is drawn again only when one of its properties is another. */
export function memo<P extends object>(inner: FunctionComponent<P>): new (props: P) => Component<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const before: Readonly<Record<string, unknown>> = { ...this.props };
      return Object.entries(next).some(([name, value]) => name !== 'children' && !Object.is(before[name], value));
    }

    override render(): ComponentChild {
      return h(inner, this.props);
    }
  };
}
