package graph

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
)

// group is a security group as an entity.
type group struct{ directory.Group }

func (g group) id() string { return string(g.ID) }

func (g group) values(property string) []string {
	switch property {
	case "id":
		return []string{string(g.ID)}
	case "displayName":
		return []string{g.Name}
	case "mailNickname":
		return []string{g.Nickname}
	case "description":
		return []string{g.Description}
	case "securityEnabled":
		return []string{"true"}
	case "mailEnabled":
		return []string{"false"}
	case "securityIdentifier":
		return []string{securityIdentifier(g.ID)}
	}
	return nil // of what no security group has
}

func (g group) shape() map[string]any {
	shape := map[string]any{
		"id": g.ID, "displayName": g.Name, "mailNickname": g.Nickname, "description": orNull(g.Description),
		"createdDateTime": stamp(g.Created), "mailEnabled": false, "securityEnabled": true, "groupTypes": []string{},
		"securityIdentifier": securityIdentifier(g.ID),
	}
	for _, name := range []string{
		"classification", "deletedDateTime", "expirationDateTime", "isAssignableToRole", "mail", "membershipRule",
		"membershipRuleProcessingState", "onPremisesDomainName", "onPremisesLastSyncDateTime", "onPremisesNetBiosName",
		"onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "preferredDataLocation",
		"preferredLanguage", "theme", "uniqueName", "visibility",
	} {
		shape[name] = nil
	}
	for _, name := range []string{
		"creationOptions", "onPremisesProvisioningErrors", "proxyAddresses", "resourceBehaviorOptions",
		"resourceProvisioningOptions", "serviceProvisioningErrors",
	} {
		shape[name] = []string{}
	}
	shape["renewedDateTime"] = stamp(g.Created)
	return shape
}

// securityIdentifier spells an object id as Windows does: four numbers of 32 bits.
func securityIdentifier(id cloud.PrincipalID) string {
	b, err := hex.DecodeString(strings.ReplaceAll(string(id), "-", ""))
	if err != nil || len(b) != 16 {
		return ""
	}
	second := uint32(binary.BigEndian.Uint16(b[4:])) | uint32(binary.BigEndian.Uint16(b[6:]))<<16 // a GUID's second and third fields
	return fmt.Sprintf("S-1-12-1-%d-%d-%d-%d", binary.BigEndian.Uint32(b), second, binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:]))
}
