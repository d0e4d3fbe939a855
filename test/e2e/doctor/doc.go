// Package doctor tests usher doctor on a real kube-apiserver that asks usher by its
// Service, with usher's own processes behind its pods.
package doctor
