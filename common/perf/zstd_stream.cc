#include "common/perf/zstd_stream.h"

#include <fmt/format.h>
#include <zstd.h>

namespace hftmon {
namespace {

// The library's own default for streams: what asks for a larger window than 1 << 27 is refused.
constexpr int kWindowLogMax = 27;

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class LibraryStream : public ZstdStream {
 public:
  explicit LibraryStream(std::unique_ptr<ZSTD_DStream, FreeStream> stream) : stream_(std::move(stream)) {}

  absl::StatusOr<size_t> Unpack(std::span<const std::byte>* packed, std::span<std::byte> into) override {
    ZSTD_inBuffer in{.src = packed->data(), .size = packed->size(), .pos = 0};
    ZSTD_outBuffer out{.dst = into.data(), .size = into.size(), .pos = 0};
    while (out.pos < out.size) {
      const size_t in_before = in.pos;
      const size_t out_before = out.pos;
      const size_t left = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(left) != 0) return absl::DataLossError(fmt::format("the zstd stream is damaged: {}", ZSTD_getErrorName(left)));
      if (in.pos == in_before && out.pos == out_before) break;
    }
    *packed = packed->subspan(in.pos);
    return out.pos;
  }

 private:
  const std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ZstdStream>> ZstdStream::Create() {
  std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  if (stream == nullptr || ZSTD_isError(ZSTD_initDStream(stream.get())) != 0 ||
      ZSTD_isError(ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kWindowLogMax)) != 0) {
    return absl::ResourceExhaustedError("zstd could not begin a stream: there is no memory");
  }
  return std::make_unique<LibraryStream>(std::move(stream));
}

}  // namespace hftmon
