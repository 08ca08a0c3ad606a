// Package insights lets clients read the history of the management plane.
//
// It must not know how records are made or kept.
package insights

import (
	"context"
	"net/http"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/telemetry"
)

const (
	events     = "Microsoft.Insights/eventtypes/values"
	categories = "Microsoft.Insights/eventcategories"
)

// Records finds what was recorded.
type Records interface {
	Find(ctx context.Context, s telemetry.Search) ([]cloud.Activity, int64, error)
}

// Deps is what the rows need.
type Deps struct {
	Records Records
	// Next gives the absolute address of a list's next page.
	Next func(r *http.Request, token string) string
}

// Rows gives the rows of Microsoft.Insights. Both types are questions: events are read as
// az monitor activity-log list asks for them.
func Rows(deps Deps) []arm.Row {
	log := activityLog{deps}
	return []arm.Row{
		{
			Type: events, Versions: []string{"2017-03-01-preview", "2015-04-01", "2014-04-01"}, At: arm.InSubscription,
			Calls: map[string]arm.Call{http.MethodGet: {Needs: events + "/read", Where: log.where, Do: log.list}},
		},
		{
			Type: categories, Versions: []string{"2015-04-01"}, At: arm.InTenant,
			Calls: map[string]arm.Call{http.MethodGet: {Needs: categories + "/read", Do: listCategories}},
		},
	}
}
