require "test_helper"

class TurboStreamHelperTest < ActionView::TestCase
  test "append wraps a partial in a template" do
    stream = turbo_stream.append("messages", partial: "shared/notice", locals: { text: "a < b" })

    assert_match(/\A<turbo-stream action="append" target="messages"><template>.*a &lt; b/m, stream)
  end

  test "update without content empties the target" do
    assert_equal '<turbo-stream action="update" target="notice"><template></template></turbo-stream>',
                 turbo_stream.update("notice")
  end

  test "remove needs no template" do
    assert_equal '<turbo-stream action="remove" target="welcome"></turbo-stream>', turbo_stream.remove("welcome")
  end
end
