require "test_helper"

class ConversationStoreTest < ActiveSupport::TestCase
  setup { @directory = Dir.mktmpdir }
  teardown { FileUtils.remove_entry(@directory) }

  test "another process, or the same after a restart, reads what was written" do
    new_store.append("id", Message.user("Hi"), Message.assistant("Hello"))

    assert_equal [Message.user("Hi"), Message.assistant("Hello")], new_store.find("id").messages
    assert_empty new_store.find("other")
  end

  test "delete forgets" do
    new_store.append("id", Message.user("Hi"), Message.assistant("Hello"))
    new_store.delete("id")

    assert_empty new_store.find("id")
  end

  private

  def new_store
    ConversationStore.new(cache: ActiveSupport::Cache::FileStore.new(@directory))
  end
end
