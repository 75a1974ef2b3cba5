export function EditPage({ service }: { readonly service: string | null }) {
  return <h1>{service}</h1>;
}
