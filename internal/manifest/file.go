// Package manifest reads Kubernetes objects from YAML and JSON files the way
// kubectl would send them, and knows where in the file every field stands.
package manifest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// File is the text of one manifest file.
type File struct {
	// Name is what messages call the file.
	Name string

	text  string
	lines []int
}

// Problem is something in a file that keeps it from being reviewed.
type Problem struct {
	File     string
	Position Position
	Message  string
	// Source is the text of the line, if there is one.
	Source string
}

// Error gives the problem in the form that editors jump to.
func (p *Problem) Error() string {
	if p.Position.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Position.Line, p.Position.Column, p.Message)
}

const byteOrderMark = "\uFEFF"

// NewFile holds text as UTF-8. UTF-16 with a byte order mark, which PowerShell
// writes, is converted.
func NewFile(name string, raw []byte) (*File, error) {
	decoded, err := decodeText(raw)
	if err != nil {
		return nil, &Problem{File: name, Position: Position{1, 1}, Message: err.Error()}
	}
	text := string(decoded)
	file := &File{Name: name, text: text, lines: lineStarts(text, isEditorBreak)}
	if !utf8.ValidString(text) {
		return nil, file.problem(invalidUTF8(text), "not valid UTF-8; save the file as UTF-8")
	}
	return file, nil
}

// Line is the text of a line, counted from 1, without its line break.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	end := len(f.text)
	if n < len(f.lines) {
		end = f.lines[n]
	}
	return strings.TrimRight(f.text[f.lines[n-1]:end], "\r\n")
}

func (f *File) position(offset int) Position {
	line := lineOf(f.lines, offset)
	return Position{Line: line, Column: 1 + utf8.RuneCountInString(f.text[f.lines[line-1]:offset])}
}

func (f *File) problem(offset int, message string) *Problem {
	at := f.position(offset)
	return &Problem{File: f.Name, Position: at, Message: message, Source: f.Line(at.Line)}
}

// decodeText removes a byte order mark and the encoding that it stands for.
func decodeText(raw []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte(byteOrderMark)):
		return raw[len(byteOrderMark):], nil
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return raw, nil
	}
	raw = raw[2:]
	if len(raw)%2 != 0 {
		return nil, fmt.Errorf("UTF-16 text ends in the middle of a character; save the file as UTF-8")
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

// invalidUTF8 is the offset of the first byte that is not part of a character.
func invalidUTF8(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}
