// A trace is read back whole, up to where it was cut, and never when it was changed.
#include "model/trace/trace_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <oomcast_paths.h>

#include <fstream>
#include <sstream>

#include "model/trace/crc32c.h"
#include "tests/model/trace/recorded_run.h"

namespace oomcast::trace {
namespace {

using testing::HasSubstr;

void expect_recorded_run(const ReadBack& back) {
  const RecordedRun run = recorded_run();
  ASSERT_EQ(back.end, TraceReader::Step::kEnd) << back.error;
  ASSERT_EQ(back.records.size(), run.records.size());
  for (size_t i = 0; i < run.records.size(); ++i) {
    EXPECT_TRUE(same(back.records[i].event, run.records[i].event)) << "record " << i;
    EXPECT_EQ(back.records[i].is_watch, run.records[i].is_watch) << "record " << i;
  }
  EXPECT_EQ(encode_header(back.header), encode_header(run.header));
  EXPECT_EQ(encode_summary(back.summary), encode_summary(run.summary));
  EXPECT_EQ(back.summary.stacks, run.summary.stacks);
  EXPECT_EQ(back.summary.exit_signal, 9);
  EXPECT_EQ(back.header.target_options, run.header.target_options);
}

TEST(TraceReader, GivesBackHeaderEventsWatchesAndSummary) { expect_recorded_run(read(write(recorded_run()))); }

TEST(TraceReader, KeepsTheNumberOfPrefilledBytes) {
  RecordedRun run = recorded_run();
  run.summary.prefilled_bytes = 8192;
  EXPECT_EQ(read(write(run)).summary.prefilled_bytes, 8192u);
}

TEST(TraceReader, KnowsTheKindsThatCameAfterTheFirstTraces) {
  RecordedRun run = recorded_run();
  Event lock;
  lock.kind = EventKind::kLock;
  lock.pid = lock.tid = 70;
  lock.address = 0x7f10a0004000;
  lock.bytes = 8192;
  lock.flags = kLocked | kLockOnFault;
  run.records.push_back({lock, false});
  lock.kind = EventKind::kLockAll;
  lock.flags = kLockCurrent | kLockFuture;
  run.records.push_back({lock, false});
  const ReadBack back = read(write(run));
  ASSERT_EQ(back.records.size(), run.records.size());
  for (size_t i = run.records.size() - 2; i < run.records.size(); ++i)
    EXPECT_TRUE(same(back.records[i].event, run.records[i].event)) << i;
}

TEST(TraceReader, ReadsTheTracesOfFormat1) {
  std::stringstream bytes;
  bytes << std::ifstream(OOMCAST_SOURCE_DIR "/tests/data/traces/format1.trace", std::ios::binary).rdbuf();
  expect_recorded_run(read(bytes.str()));
}

TEST(TraceReader, ACutAtAnyByteLeavesTheWholeBlocksBeforeIt) {
  const std::string whole = write(recorded_run());
  const ReadBack all = read(whole);
  size_t most = 0;
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const ReadBack back = read(std::string_view(whole).substr(0, cut));
    if (!back.error.empty()) {
      EXPECT_EQ(most, 0u) << "at " << cut << ": " << back.error;
      EXPECT_THAT(back.error, testing::AnyOf(HasSubstr("cut before its first block"), HasSubstr("not a trace")));
      continue;
    }
    EXPECT_EQ(back.end, TraceReader::Step::kCut) << "at " << cut;
    EXPECT_GE(back.records.size(), most) << "at " << cut;
    most = back.records.size();
    for (size_t i = 0; i < most; ++i) ASSERT_TRUE(same(back.records[i].event, all.records[i].event)) << "at " << cut;
  }
  EXPECT_EQ(most, all.records.size()) << "only the summary was missing at the last cut";
}

TEST(TraceReader, AnyFlippedByteIsNoticed) {
  const std::string whole = write(recorded_run());
  for (size_t at = 0; at < whole.size(); ++at)
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      const ReadBack back = read(bytes);
      EXPECT_EQ(back.end, TraceReader::Step::kDamaged) << "at " << at;
      EXPECT_FALSE(back.error.empty());
    }
}

TEST(TraceReader, ABlockThatIsMissingOrDoubledIsNoticed) {
  RecordedRun run = recorded_run();
  const std::string whole = write(run);
  // The first block of events: after the head and the header block.
  BlockReader blocks(std::string_view(whole).substr(kFileHeadBytes));
  ASSERT_EQ(blocks.next(), BlockReader::Step::kBlock);
  ASSERT_EQ(blocks.next(), BlockReader::Step::kBlock);
  const size_t start = kFileHeadBytes + blocks.offset();
  ASSERT_EQ(blocks.next(), BlockReader::Step::kBlock);
  const size_t end = kFileHeadBytes + blocks.offset();
  EXPECT_EQ(read(whole.substr(0, start) + whole.substr(end)).end, TraceReader::Step::kDamaged);
  EXPECT_EQ(read(whole.substr(0, end) + whole.substr(start)).end, TraceReader::Step::kDamaged);
  EXPECT_THAT(read(whole + "x").error, HasSubstr("it follows the last one"));
}

TEST(TraceReader, AHeaderAndASummaryOfMoreThanABlockAreReadWhole) {
  RecordedRun run = recorded_run();
  run.header.host_json = std::string(kMostRawBytes + 5, 'h');
  for (int i = 0; i < 40; ++i)
    run.summary.stacks.emplace_back(50, std::string(20'000, static_cast<char>('a' + i % 26)));
  const std::string whole = write(run);
  const ReadBack back = read(whole);
  ASSERT_EQ(back.end, TraceReader::Step::kEnd) << back.error;
  EXPECT_EQ(back.header.host_json, run.header.host_json);
  EXPECT_EQ(back.summary.stacks, run.summary.stacks);
  EXPECT_EQ(back.records.size(), run.records.size());
  const ReadBack cut = read(std::string_view(whole).substr(0, whole.size() - 1));
  EXPECT_EQ(cut.end, TraceReader::Step::kCut) << "the summary's first pieces alone are no summary";
  EXPECT_EQ(cut.records.size(), run.records.size());
}

TEST(TraceReader, PiecesThatLeadToNothingAreRefused) {
  const std::string front = trace_file_head() + pack_block(BlockType::kHeader, 0, encode_header({}));
  const std::string piece = pack_block(BlockType::kPiece, 1, encode_summary(recorded_run().summary));
  EXPECT_EQ(read(front + piece).end, TraceReader::Step::kCut);
  EXPECT_EQ(read(front + piece + pack_block(BlockType::kEvents, 2, "")).end, TraceReader::Step::kDamaged);
}

TEST(TraceReader, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(read("").error, HasSubstr("t.trace: not a trace"));
  EXPECT_THAT(read("{\"schema\": 1}").error, HasSubstr("oomcast run --trace FILE"));
  std::string damaged = write(recorded_run());
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  EXPECT_THAT(read(damaged).error, HasSubstr("damaged in block 3 at byte "));
  std::string later(kTraceMagic);
  later += std::string("\x02\0\0\0", 4);
  const uint32_t check = crc32c(later);
  for (int i = 0; i < 4; ++i) later.push_back(static_cast<char>(check >> (8 * i)));
  EXPECT_THAT(read(later).error, HasSubstr("trace format 2, this oomcast reads 1"));
}

TEST(TraceReader, FieldsThatItDoesNotKnowAreSkipped) {
  std::string raw = encode_header(recorded_run().header);
  put_string(raw, "of_a_later_version");
  put_varint(raw, 1);
  put_string(raw, "x");
  TraceHeader header;
  ASSERT_TRUE(decode_header(raw, header));
  EXPECT_EQ(header.recorder_cpu_loop_20m_ns, 42'000'000);
}

}  // namespace
}  // namespace oomcast::trace
