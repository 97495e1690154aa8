require "test_helper"

class MessagesHelperTest < ActionView::TestCase
  test "bold and code become elements" do
    assert_equal 'Use <code class="inline-code">puts</code>, it is <strong>short</strong>.',
                 message_prose("Use `puts`, it is **short**.")
  end

  test "everything else is escaped" do
    assert_equal "&lt;b&gt; <strong>&lt;i&gt;</strong> <code class=\"inline-code\">&lt;u&gt;</code>",
                 message_prose("<b> **<i>** `<u>`")
  end

  test "the model's name goes without its maker" do
    assert_equal "claude-sonnet-4.6", model_name
  end
end
