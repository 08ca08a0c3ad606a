package insights

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/telemetry"
)

// pageSize is how many records one page holds.
const pageSize = 200

// question is a request for records, understood.
type question struct {
	search telemetry.Search
	fields []string // of $select; nil asks for all
	where  cloud.ID // what the records are about: the scope at which the right to read them is needed
}

// ask reads the query of a list of records at a subscription.
func ask(v arm.Visit, query url.Values) (question, error) {
	subscription := v.Scope.Parent()
	if !strings.EqualFold(v.Scope.Name(), "management") || !subscription.Is("Microsoft.Resources/subscriptions") {
		return question{}, fault.New(fault.NotFound, "InvalidResourceType", "There are no events at '%s'.", v.Scope).
			Try("GET /subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values")
	}
	q := question{where: subscription, search: telemetry.Search{Subscription: subscription.Subscription(), Most: pageSize}}
	for name, values := range query {
		var err error
		switch strings.ToLower(name) {
		case "api-version":
		case "$filter":
			err = q.filter(values[0])
		case "$select":
			q.fields, err = fieldsOf(values[0])
		case "$skiptoken":
			if q.search.Before, err = strconv.ParseInt(values[0], 10, 64); err != nil || q.search.Before < 1 {
				err = arm.BadSkipToken()
			}
		default:
			if strings.HasPrefix(name, "$") {
				err = fault.New(fault.Invalid, "InvalidQueryParameter", "The query option '%s' is not supported by this request.", name).
					Try("use $filter, $select, $skiptoken")
			}
		}
		if err != nil {
			return question{}, err
		}
	}
	if q.search.From.IsZero() {
		return question{}, fault.New(fault.Invalid, "BadRequest", "The query parameter '$filter' must say from when on records are asked for.").
			Try("$filter=eventTimestamp ge '2026-01-31T00:00:00Z'")
	}
	return q, nil
}

// filter reads a $filter. Azure's forms are eventTimestamp ge and le, and one of resourceGroupName,
// resourceUri, resourceProvider and correlationId; az adds resourceId, caller and status.
func (q *question) filter(text string) error {
	alternatives, err := arm.ParseFilter(text)
	if err != nil {
		return err
	}
	if len(alternatives) != 1 {
		return badFilter(text)
	}
	said := map[string]bool{}
	for _, t := range alternatives[0] {
		if said[t.Name+t.Op] || t.Op != "eq" && t.Name != "eventtimestamp" {
			return badFilter(text)
		}
		said[t.Name+t.Op] = true
		if err := q.term(t); err != nil {
			return err
		}
	}
	if q.search.Group != "" && q.where.Is("Microsoft.Resources/subscriptions") {
		if q.where, err = cloud.ParseID(q.where.String() + "/resourceGroups/" + q.search.Group); err != nil {
			return badFilter(text)
		}
	}
	return nil
}

func badFilter(text string) error {
	return arm.BadFilter(text).Try("compare eventTimestamp with ge and le, and resourceGroupName, resourceUri, resourceProvider, correlationId, caller or status with eq, joined by and")
}

// term takes one condition of the filter up.
func (q *question) term(t arm.Term) (err error) {
	s := &q.search
	switch t.Name {
	case "eventtimestamp":
		return q.time(t)
	case "resourcegroupname":
		s.Group = t.Value
	case "resourceuri", "resourceid":
		if s.Resource, err = cloud.ParseID(t.Value); err != nil || !strings.EqualFold(s.Resource.Subscription(), s.Subscription) {
			return fault.New(fault.Invalid, "InvalidFilterInQueryString", "The filter's '%s' names no resource of the subscription.", t.Name)
		}
		q.where = s.Resource
	case "resourceprovider":
		s.Provider = t.Value
	case "correlationid":
		s.Correlation = t.Value
	case "caller":
		s.Caller = t.Value
	case "status":
		s.State = t.Value
	default:
		return badFilter(t.Name)
	}
	if t.Value == "" {
		return badFilter(t.Name)
	}
	return nil
}

// time takes one end of the period up. az writes six digits of a second and no zone at times.
func (q *question) time(t arm.Term) error {
	at, err := time.Parse(time.RFC3339Nano, t.Value)
	if err != nil {
		at, err = time.Parse("2006-01-02T15:04:05.999999999", t.Value)
	}
	switch {
	case err != nil:
		return fault.New(fault.Invalid, "InvalidFilterInQueryString", "The filter's eventTimestamp is no time of the form 2026-01-31T08:00:00Z.").Because(err)
	case t.Op == "ge":
		q.search.From = at
	case t.Op == "le":
		q.search.To = at
	default:
		return badFilter(t.Name)
	}
	return nil
}

// fieldsOf reads a $select: names of members of a record, with commas between them.
func fieldsOf(text string) ([]string, error) {
	var fields []string
	for _, said := range strings.Split(text, ",") {
		i := slices.IndexFunc(members, func(name string) bool { return strings.EqualFold(name, strings.TrimSpace(said)) })
		if i < 0 {
			return nil, fault.New(fault.Invalid, "InvalidQueryParameterValue", "'%s' in the query parameter '$select' is no member of a record.", said)
		}
		fields = append(fields, members[i])
	}
	return fields, nil
}

// where gives the scope of the records that a request is for: who may read a group's records may
// ask for them.
func (l activityLog) where(v arm.Visit, r *http.Request) (cloud.ID, error) {
	q, err := ask(v, r.URL.Query())
	return q.where, err
}
