// Valid UTF-8 out of bytes that anybody may have chosen: a thread's name is 15 bytes of its owner's liking, and protobuf refuses a message
// whose strings are not UTF-8.
#ifndef HFTMON_COMMON_UTF8_H_
#define HFTMON_COMMON_UTF8_H_

#include <string>
#include <string_view>

namespace hftmon {

// `bytes` with every byte that is not part of a well-formed UTF-8 sequence (RFC 3629: no overlong form, no surrogate, at most U+10FFFF)
// replaced by '?'. What is well-formed stays as it is, control characters too.
std::string ValidUtf8(std::string_view bytes);

}  // namespace hftmon

#endif  // HFTMON_COMMON_UTF8_H_
