package platform

import (
	"context"
	"net/http"
	"sync/atomic"

	"lanyard/internal/cloud"
	"lanyard/internal/drill"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// drills are those that are on, as the store has them: every process of the world sees the same.
type drills struct {
	view *store.View
	on   atomic.Pointer[drill.Set] // nil when none is
}

func (p *Platform) buildDrills() {
	p.drills.view = store.NewView(p.store, cloud.KeyDrills)
	p.drills.view.OnChange(p.followDrills)
}

// followDrills takes in what a batch says of the drills; what cannot be read leaves on what was on.
func (p *Platform) followDrills(b store.Batch) {
	found, on := b.Reset, drill.Set(nil)
	for _, e := range b.Events {
		found, on = true, nil
		if e.Value == nil {
			continue
		}
		var err error
		if on, err = drill.Parse(e.Value); err != nil {
			p.log.Error("document cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
			return
		}
	}
	switch {
	case !found:
	case len(on) > 0:
		p.drills.on.Store(&on)
		p.log.Warn("drills are on", "drills", on.String())
	case p.drills.on.Swap(nil) != nil:
		p.log.Warn("no drill is on any more")
	}
}

// set gives the drills that are on; nil when none is.
func (d *drills) set() drill.Set {
	if on := d.on.Load(); on != nil {
		return *on
	}
	return nil
}

// drillStatus is a drill as `lanyard drill list` prints it.
type drillStatus struct {
	Name string     `json:"name"`
	On   string     `json:"on"`   // "no", "some apps" or "every app"
	Apps []cloud.ID `json:"apps"` // for which it was started one by one

	Breaks string `json:"breaks"`
	Seen   string `json:"seen"`
	Cure   string `json:"cure"`
}

func (p *Platform) listDrills(w http.ResponseWriter, _ *http.Request) error {
	on, all := p.drills.set(), []drillStatus{}
	for _, d := range drill.All() {
		s := drillStatus{Name: d.Name, On: "no", Apps: []cloud.ID{}, Breaks: d.Breaks, Seen: d.Seen, Cure: d.Cure}
		for _, one := range on {
			if one.Name == d.Name && !one.App.IsZero() {
				s.On, s.Apps = "some apps", append(s.Apps, one.App)
			}
		}
		if on.Covers(d.Name, cloud.ID{}) {
			s.On = "every app"
		}
		all = append(all, s)
	}
	return httpkit.WriteJSON(w, http.StatusOK, all)
}

func (p *Platform) startDrill(w http.ResponseWriter, r *http.Request) error {
	name, app, err := readDrill(r)
	if err != nil {
		return err
	}
	if d, there := p.arm.Document(app); !app.IsZero() && (!there || d.Deleting != "") {
		return fault.New(fault.NotFound, "ResourceNotFound", "There is no app %s.", app).Try("lanyard containerapp list --output table")
	}
	if err := p.switchDrills(r.Context(), func(on drill.Set) (drill.Set, error) { return on.Start(name, app) }); err != nil {
		return err
	}
	return p.listDrills(w, r)
}

func (p *Platform) stopDrill(w http.ResponseWriter, r *http.Request) error {
	name, app, err := readDrill(r)
	if err != nil {
		return err
	}
	if err := p.switchDrills(r.Context(), func(on drill.Set) (drill.Set, error) { return on.Stop(name, app) }); err != nil {
		return err
	}
	return p.listDrills(w, r)
}

// readDrill reads which drill a call means, and for which app; the zero app means every one.
func readDrill(r *http.Request) (name string, app cloud.ID, err error) {
	var asked struct {
		Name string `json:"name"`
		App  string `json:"app"`
	}
	if err = readOrder(r, &asked); err == nil && asked.App != "" {
		app, err = readApp(asked.App)
	}
	return asked.Name, app, err
}

// switchDrills changes which drills are on. It returns when this process sees it; others do as fast as they
// see any change of the store.
func (p *Platform) switchDrills(ctx context.Context, how func(drill.Set) (drill.Set, error)) error {
	revision, err := store.Update(ctx, p.store, cloud.KeyDrills, func(on *drill.Set) (err error) {
		*on, err = how(*on)
		return err
	})
	if err != nil {
		return err
	}
	return p.drills.view.Await(ctx, revision)
}
