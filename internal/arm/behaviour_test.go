package arm

import (
	"context"
	"net/url"
	"slices"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store/mem"
)

// signs are extensions: some are stored, one hangs everywhere.
type signs struct{ Plain }

func (signs) Find(_ context.Context, id cloud.ID) (*Document, error) {
	if id.Name() != "exit" {
		return nil, nil
	}
	return &Document{ID: id, Name: "exit", Type: "Toy.Shop/signs"}, nil
}

func (s signs) List(ctx context.Context, q Query) ([]*Document, error) {
	if q.Filter == "atScope()" {
		q.Below = nil
	}
	at, err := cloud.Root.In("Toy.Shop/signs", "exit")
	if err != nil {
		return nil, err
	}
	exit, err := s.Find(ctx, at)
	return append(append(q.Above, q.Below...), exit), err
}

// flags takes one word as its filter.
type flags struct{ Plain }

func (flags) Filter(_ context.Context, _ cloud.ID, filter string, d *Document) (bool, error) {
	return d.Name == filter, nil
}

func TestTypesMayHaveASayInWhatTheirCollectionsHold(t *testing.T) {
	w := open(t, mem.New())
	for name, b := range map[string]Behaviour{"toy.shop/signs": signs{}, "toy.shop/flags": flags{}} {
		w.rows[name] = &Row{Type: map[string]string{"toy.shop/signs": "Toy.Shop/signs", "toy.shop/flags": "Toy.Shop/flags"}[name],
			Versions: []string{"2024-01-01"}, At: Extension, Behaviour: b}
	}
	w.place(sub, `{}`)
	w.place(group, here)
	w.place(carts+"/a", here)
	of := "/providers/Toy.Shop/signs"
	for name, scope := range map[string]string{"top": "", "sub": sub, "grp": group, "own": carts + "/a"} {
		w.place(scope+of+"/"+name, `{}`)
		w.place(scope+"/providers/Toy.Shop/flags/"+name, `{}`)
	}
	cases := map[string]struct {
		path string
		want []string
	}{
		"what is inherited comes first":          {group + of + version, []string{"exit", "top", "own", "grp", "sub"}},
		"a filter is the type's to read":         {group + of + version + "&$filter=" + url.QueryEscape("atScope()"), []string{"exit", "top", "sub"}},
		"nothing is above the tenant":            {of + version + "&$filter=" + url.QueryEscape("atScope()"), []string{"exit"}},
		"a type may filter document by document": {sub + "/providers/Toy.Shop/flags" + version + "&$filter=own", []string{"own"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := w.want(200, w.ask("GET", c.path, "")).listed()
			slices.Sort(got)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	w.want(200, w.ask("GET", group+of+"/exit", ""))
	w.want(404, w.ask("GET", group+of+"/none", ""))
	w.refuse(func(_ cloud.Caller, _ string, at cloud.ID) bool { return !cloud.MustID(group).Contains(at) })
	if got := w.want(200, w.ask("GET", group+of, "")).listed(); len(got) != 5 {
		t.Errorf("who reads the group sees %v", got)
	}
}

func TestAComputedResourceCanBeAParent(t *testing.T) {
	w := open(t, mem.New())
	w.rows["toy.shop/signs"] = &Row{Type: "Toy.Shop/signs", Versions: []string{"2024-01-01"}, At: Extension, Behaviour: signs{}}
	w.rows["toy.shop/signs/lamps"] = &Row{Type: "Toy.Shop/signs/lamps", Versions: []string{"2024-01-01"}, Behaviour: Plain{}}
	w.place(sub, `{}`)
	signs := sub + "/providers/Toy.Shop/signs"
	w.want(201, w.ask("PUT", signs+"/exit/lamps/l", `{}`))
	w.want(200, w.ask("GET", signs+"/exit/lamps", ""))
	w.want(404, w.ask("GET", signs+"/none/lamps", ""))
	w.want(404, w.ask("PUT", signs+"/none/lamps/l", `{}`))
}
