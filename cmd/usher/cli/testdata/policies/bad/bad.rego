# METADATA
# title: Bad
# description: Containers run images by tags that do not move.
# custom:
#   severity: medium
#   checks:
#     image-tag: no container's image has a forbidden tag
#   parameters:
#     forbidden_tags:
#       description: tags of images that containers may not run; an image without a tag has the tag latest
#       default: [latest]
package usher.bad

import data.usher.lib.pods

deny contains {"check": "image-tag", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	tag := _tag(container.image)
	tag in input.params.forbidden_tags
	msg := sprintf("image %q has the tag %q, which may be another image tomorrow; name a version or a digest", [container.image, tag])
	path := sprintf("/spec/%s/%d/image", [list, i])
}

# What follows the last colon behind the last slash; latest where there is none.
# A digest says exactly which image it is, whatever the tag beside it.
_tag(image) := tag if {
	is_string(image)
	not contains(image, "@")
	name := regex.replace(image, `^.*/`, "")
	tag := array.concat(split(name, ":"), ["latest"])[1]
}
