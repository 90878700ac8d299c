/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl looks there for one thing before it creates: whether PATCH of a kind
 * takes the parameter fieldValidation, that is, whether the server checks the
 * fields itself. So this is the smallest document that says so. The numbers
 * are those of gnostic's OpenAPIv2.proto.
 */
#include "openapi_v2.h"

#include "object.h"

enum {
	DOCUMENT_SWAGGER = 1,
	DOCUMENT_INFO = 2,
	DOCUMENT_PATHS = 8,
	INFO_TITLE = 1,
	INFO_VERSION = 2,
	PATHS_PATH = 2,
	NAMED_NAME = 1,
	NAMED_VALUE = 2,
	PATH_ITEM_PATCH = 8,
	OPERATION_PARAMETERS = 8,
	OPERATION_EXTENSION = 13,
	ITEM_PARAMETER = 1,
	PARAMETER_NON_BODY = 2,
	NON_BODY_QUERY = 3,
	QUERY_IN = 2,
	QUERY_NAME = 4,
	QUERY_TYPE = 6,
	ANY_YAML = 2,
};

static void varint(struct buf *out, size_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(out, (char)(v | 0x80));
	buf_putc(out, (char)v);
}

static void text(struct buf *out, unsigned field, const char *s)
{
	struct buf b = {0};

	buf_puts(&b, s);
	varint(out, field << 3 | 2);
	varint(out, b.len);
	buf_add(out, b.data, b.len);
	buf_release(&b);
}

/* Puts what `inner` holds into a field, and empties it. */
static void message(struct buf *out, unsigned field, struct buf *inner)
{
	varint(out, field << 3 | 2);
	varint(out, inner->len);
	buf_add(out, inner->data, inner->len);
	buf_release(inner);
}

static void parameter(struct buf *operation, const char *name)
{
	struct buf query = {0}, non_body = {0}, param = {0}, item = {0};

	text(&query, QUERY_IN, "query");
	text(&query, QUERY_NAME, name);
	text(&query, QUERY_TYPE, "string");
	message(&non_body, NON_BODY_QUERY, &query);
	message(&param, PARAMETER_NON_BODY, &non_body);
	message(&item, ITEM_PARAMETER, &param);
	message(operation, OPERATION_PARAMETERS, &item);
}

static void path(struct buf *paths, enum kind kind)
{
	_cleanup_(freep) char *gvk =
	    xasprintf("group: \"\"\nkind: %s\nversion: v1\n", kinds[kind].kind);
	_cleanup_(freep) char *name = xasprintf(
	    "/api/v1/%s%s/{name}", kinds[kind].namespaced ? "namespaces/{namespace}/" : "",
	    kinds[kind].resource);
	struct buf operation = {0}, item = {0}, named = {0}, any = {0}, extension = {0};

	parameter(&operation, "dryRun");
	parameter(&operation, "fieldValidation");
	text(&any, ANY_YAML, gvk);
	text(&extension, NAMED_NAME, "x-kubernetes-group-version-kind");
	message(&extension, NAMED_VALUE, &any);
	message(&operation, OPERATION_EXTENSION, &extension);
	message(&item, PATH_ITEM_PATCH, &operation);
	text(&named, NAMED_NAME, name);
	message(&named, NAMED_VALUE, &item);
	message(paths, PATHS_PATH, &named);
}

void openapi_v2_protobuf(struct buf *out)
{
	struct buf info = {0}, paths = {0};

	text(out, DOCUMENT_SWAGGER, "2.0");
	text(&info, INFO_TITLE, "Kubernetes");
	text(&info, INFO_VERSION, "v1.27.1");
	message(out, DOCUMENT_INFO, &info);
	for (unsigned k = 0; k < N_KINDS; k++)
		path(&paths, (enum kind)k);
	message(out, DOCUMENT_PATHS, &paths);
}
