package arm

import (
	"net/http"
	"strings"

	"lanyard/internal/httpkit"
)

// region is a place that resources can say they are in. All of them are this machine; the names
// are Azure's, so that what was written for it finds its place, and one of Lanyard's own.
type region struct{ display, geography string }

// name gives a region's name: westeurope for West Europe.
func (r region) name() string { return placeName(r.display) }

var regions = []region{
	{"Local", "This machine"},
	{"East US", "US"}, {"East US 2", "US"}, {"Central US", "US"}, {"North Central US", "US"}, {"South Central US", "US"},
	{"West Central US", "US"}, {"West US", "US"}, {"West US 2", "US"}, {"West US 3", "US"},
	{"Canada Central", "Canada"}, {"Canada East", "Canada"},
	{"Brazil South", "South America"}, {"Mexico Central", "Mexico"}, {"Chile Central", "South America"},
	{"North Europe", "Europe"}, {"West Europe", "Europe"}, {"France Central", "Europe"}, {"France South", "Europe"},
	{"Germany West Central", "Europe"}, {"Germany North", "Europe"}, {"Italy North", "Europe"}, {"Norway East", "Europe"},
	{"Norway West", "Europe"}, {"Poland Central", "Europe"}, {"Spain Central", "Europe"}, {"Sweden Central", "Europe"},
	{"Switzerland North", "Europe"}, {"Switzerland West", "Europe"}, {"Austria East", "Europe"},
	{"UK South", "Europe"}, {"UK West", "Europe"},
	{"Israel Central", "Middle East"}, {"Qatar Central", "Middle East"}, {"UAE North", "Middle East"}, {"UAE Central", "Middle East"},
	{"South Africa North", "Africa"}, {"South Africa West", "Africa"},
	{"East Asia", "Asia Pacific"}, {"Southeast Asia", "Asia Pacific"}, {"Australia East", "Asia Pacific"},
	{"Australia Southeast", "Asia Pacific"}, {"Australia Central", "Asia Pacific"}, {"Central India", "Asia Pacific"},
	{"South India", "Asia Pacific"}, {"West India", "Asia Pacific"}, {"Indonesia Central", "Asia Pacific"},
	{"Japan East", "Asia Pacific"}, {"Japan West", "Asia Pacific"}, {"Korea Central", "Asia Pacific"},
	{"Korea South", "Asia Pacific"}, {"Malaysia West", "Asia Pacific"}, {"New Zealand North", "Asia Pacific"},
}

func regionNames() []string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.name()
	}
	return names
}

type wireLocation struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	DisplayName string            `json:"displayName"`
	Regional    string            `json:"regionalDisplayName"`
	Metadata    map[string]string `json:"metadata"`
}

// locations lists the regions, as az account list-locations asks for them.
func (e *Engine) locations(w http.ResponseWriter, r *http.Request, c call) error {
	ctx := r.Context()
	if err := e.permit(ctx, c.caller, typeSubscription+"/locations/read", c.id); err != nil {
		return err
	}
	if err := e.exists(ctx, c.id); err != nil {
		return err
	}
	all := make([]wireLocation, len(regions))
	for i, each := range regions {
		all[i] = wireLocation{
			ID: strings.TrimSuffix(c.id.String(), "/") + "/locations/" + each.name(), Name: each.name(), Type: "Region",
			DisplayName: each.display, Regional: "(" + each.geography + ") " + each.display,
			Metadata: map[string]string{"regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": each.geography},
		}
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string][]wireLocation{"value": all})
}
