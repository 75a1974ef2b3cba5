export function EventsPage({ service }: { readonly service: string | null }) {
  return <h1>{service}</h1>;
}
