/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as JSON: a text and a number, whatever the locale. Errors are the file's (ferror). By whoever has the file to itself. */
#ifndef HFTMON_CLIENT_MARKER_PROFILE_JSON_H_
#define HFTMON_CLIENT_MARKER_PROFILE_JSON_H_

#include <stdio.h>

/* UTF-8, between quotes. */
void hftmon_json_string(const char* text, FILE* file);
/* ", \"KEY\": VALUE", to three decimals. Not negative. */
void hftmon_json_decimal(const char* key, double value, FILE* file);

#endif /* HFTMON_CLIENT_MARKER_PROFILE_JSON_H_ */
