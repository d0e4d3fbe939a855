// Package webhook answers AdmissionReviews: it decodes a review, finds the pods
// and pod templates in it, asks the policies and makes the response.
package webhook
