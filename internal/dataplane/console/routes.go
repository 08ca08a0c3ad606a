package console

import (
	"net/http"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// appPath is an app as the streaming service spells it.
const appPath = "/subscriptions/{subscription}/resourceGroups/{group}/containerApps/{app}"

// Routes adds the door's routes: those that az asks (wire-facts: "Microsoft.App").
func (d *Door) Routes(mux *http.ServeMux) {
	door := httpkit.Door{Name: "console", Speak: arm.Speak, Log: d.Log, Now: d.Now}
	for pattern, h := range map[string]httpkit.Handler{
		"GET " + appPath + "/revisions/{revision}/replicas/{replica}/containers/{container}/logstream": d.stream,
		"GET " + appPath + "/eventstream": d.events,
		"/":                               nowhere,
	} {
		mux.Handle(pattern, door.Serve(h))
	}
}

// appOf gives the app that a path names.
func appOf(r *http.Request) (cloud.ID, error) {
	id, err := cloud.ParseID("/subscriptions/" + r.PathValue("subscription") + "/resourceGroups/" + r.PathValue("group") +
		"/providers/Microsoft.App/containerApps/" + r.PathValue("app"))
	if err != nil {
		return id, fault.New(fault.Invalid, "InvalidRequestUri", "The request's path names no app.").Because(err)
	}
	return id, nil
}

// events refuses what the platform itself would say of an app.
func (d *Door) events(_ http.ResponseWriter, r *http.Request) error {
	app, err := appOf(r)
	if err != nil {
		return err
	}
	if err := d.admit(r, app); err != nil {
		return err
	}
	return fault.New(fault.NotOffered, "NotOffered", "The stream of system logs is not offered in this world: ask for the console's.")
}

func nowhere(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, "NotFound", "There is no stream at this path.")
}
