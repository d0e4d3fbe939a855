package usher.pod_security_test

volumes(list) := {v |
	some v in denied("restricted", "v1.0", pod_of({"volumes": list}, {}))
	v.check in {"restrictedVolumes", "hostPathVolumes"}
}

test_volumes_of_restricted_types if {
	hint := concat(", ", [
		"projected, configMap, emptyDir, secret, persistentVolumeClaim, downwardAPI, csi, ephemeral",
		"image",
	])
	volumes([{"name": "a", "nfs": {}}, {"name": "b", "hostPath": {}}, {"name": "c"}]) == {
		{
			"check": "restrictedVolumes",
			"msg": sprintf("volume type is nfs; use one of %s", [hint]),
			"path": "/spec/volumes/0/nfs",
		},
		{
			"check": "restrictedVolumes",
			"msg": sprintf("volume type is hostPath; use one of %s", [hint]),
			"path": "/spec/volumes/1/hostPath",
		},
		{
			"check": "restrictedVolumes",
			"msg": sprintf("volume type is not known; use one of %s", [hint]),
			"path": "/spec/volumes/2",
		},
	}
}

test_volumes_of_other_types if {
	types := [
		"configMap",
		"csi",
		"downwardAPI",
		"emptyDir",
		"ephemeral",
		"image",
		"persistentVolumeClaim",
		"projected",
		"secret",
	]
	volumes([{"name": type, type: {}} | some type in types]) == set()
}

test_volumes_with_a_null_source if {
	count(volumes([{"name": "a", "emptyDir": null, "hostPath": {"path": "/"}}])) == 1
}
