// Package browser drives the sign-in page in a real browser.
//
// It must not know the page's insides: it reads and fills in what a person would see.
package browser
