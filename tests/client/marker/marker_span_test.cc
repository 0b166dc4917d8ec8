#include "client/marker/marker_span.h"

#include <gtest/gtest.h>

#include "daemon/markers/marker_ring_file.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

TEST(MarkerSpan, AScopeIsABeginAndAnEndAndAFailureIsSaid) {
  const MarkerDirectory directory;
  hftmon_marker* const marker = directory.Create();
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  const uint32_t operation = hftmon_marker_operation(marker, "order");
  {
    const MarkerSpan outer(thread, operation, 1);
    MarkerSpan inner(thread, operation, 2);
    inner.Fail();
  }
  const SystemRawClocks clocks;
  RecordingMarkerSink sink;
  MarkerBuffers buffers;
  auto file = MarkerRingFile::Open(directory.path(), OwnRingName(), OwnMarkerProcess(), &clocks, &sink);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Drain(100, &buffers).ok());
  ASSERT_EQ(sink.records.size(), 5u);
  const struct {
    MarkerKind kind;
    uint64_t value;
    bool error;
  } expected[] = {
      {MarkerKind::kBegin, 1, false}, {MarkerKind::kBegin, 2, false}, {MarkerKind::kEnd, 2, true}, {MarkerKind::kEnd, 1, false}};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(sink.records[i + 1].kind, expected[i].kind);
    EXPECT_EQ(sink.records[i + 1].value, expected[i].value);
    EXPECT_EQ(sink.records[i + 1].error, expected[i].error);
    EXPECT_EQ(sink.records[i + 1].operation, operation);
  }
  hftmon_marker_close(marker);
}

TEST(MarkerSpan, WithoutAThreadItIsNothing) {
  MarkerSpan span(nullptr, 0, 1);
  span.Fail();
}

}  // namespace
}  // namespace hftmon
