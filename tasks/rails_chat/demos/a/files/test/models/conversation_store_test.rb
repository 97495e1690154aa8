require "test_helper"

class ConversationStoreTest < ActiveSupport::TestCase
  setup do
    @directory = Dir.mktmpdir
    @store = new_store
  end

  teardown { FileUtils.remove_entry(@directory) }

  test "an unknown conversation is empty" do
    assert_empty @store.find("nobody")
  end

  test "another process, or the same after a restart, reads what was written" do
    @store.append("id", Message.user("Hi"), Message.assistant("Hello"))

    assert_equal [Message.user("Hi"), Message.assistant("Hello")], new_store.find("id").messages
  end

  test "conversations are kept apart" do
    @store.append("one", Message.user("Hi"), Message.assistant("Hello"))

    assert_empty @store.find("two")
  end

  test "an exchange of another tab in between is not lost" do
    @store.append("id", Message.user("A"), Message.assistant("a"))
    new_store.append("id", Message.user("B"), Message.assistant("b"))

    assert_equal %w[A a B b], @store.find("id").messages.map(&:content)
  end

  test "what is kept stays bounded" do
    30.times { |number| @store.append("id", Message.user("q#{number}"), Message.assistant("a#{number}")) }

    assert_equal Conversation::MAX_EXCHANGES * 2, @store.find("id").messages.size
  end

  test "a conversation expires, and each turn prolongs it" do
    @store.append("id", Message.user("A"), Message.assistant("a"))
    travel 6.days
    @store.append("id", Message.user("B"), Message.assistant("b"))
    travel 6.days
    assert_equal 4, @store.find("id").messages.size

    travel 2.days
    assert_empty @store.find("id")
  end

  test "delete forgets" do
    @store.append("id", Message.user("Hi"), Message.assistant("Hello"))
    @store.delete("id")

    assert_empty @store.find("id")
  end

  private

  def new_store
    ConversationStore.new(cache: ActiveSupport::Cache::FileStore.new(@directory))
  end
end
