package arm

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"lanyard/internal/fault"
)

// Azure's bounds of tags (wire-facts: "Bodies and headers"; the limits of the resource manager).
const (
	maxTags     = 50
	maxTagName  = 512 // characters
	maxTagValue = 256
	// notInTags are the characters that the name of a tag cannot have.
	notInTags = `<>%&\?/`
)

// checkTags holds the tags that a client sent against Azure's rules.
func checkTags(raw json.RawMessage) error {
	var tags map[string]*string
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &tags); err != nil {
		return invalidContent("the member 'tags' has a value of the wrong type.").Because(err)
	}
	if len(tags) > maxTags {
		return fault.New(fault.Invalid, "TooManyTags", "The resource has %d tags, which exceeds the maximum of %d.", len(tags), maxTags)
	}
	seen := make(map[string]bool, len(tags))
	for name, value := range tags {
		low := strings.ToLower(name)
		switch {
		case value == nil:
			return invalidContent("the tag '%s' has the value null.", fault.Clip(name))
		case name == "" || strings.TrimSpace(name) != name:
			return fault.New(fault.Invalid, "InvalidTagName", "The tag name '%s' is empty, or has blanks at its edge.", fault.Clip(name))
		case seen[low]:
			return fault.New(fault.Invalid, "DuplicateTagName", "The tag name '%s' is there twice: names compare without regard to case.", fault.Clip(name))
		case utf8.RuneCountInString(name) > maxTagName:
			return fault.New(fault.Invalid, "InvalidTagNameLength", "The tag name '%s' has more than %d characters.", fault.Clip(name), maxTagName)
		case utf8.RuneCountInString(*value) > maxTagValue:
			return fault.New(fault.Invalid, "InvalidTagValueLength", "The value of the tag '%s' has more than %d characters.", fault.Clip(name), maxTagValue)
		case strings.ContainsAny(name, notInTags) || strings.ContainsFunc(name, isControl):
			return fault.New(fault.Invalid, "InvalidTagNameCharacters",
				"The tag names '%s' have reserved characters '%s' or control characters.", fault.Clip(name), strings.Join(strings.Split(notInTags, ""), ","))
		}
		seen[low] = true
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// tagNames refuses the list of a subscription's tags.
func (e *Engine) tagNames(http.ResponseWriter, *http.Request, call) error {
	return fault.New(fault.NotOffered, "NotOffered", "The tag names of a subscription are not offered in this world.").
		Try("read the tags of resources: GET /subscriptions/{subscription}/resources?$filter=tagName eq '...'")
}
