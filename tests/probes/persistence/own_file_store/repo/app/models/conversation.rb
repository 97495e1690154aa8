class Conversation
  STORE = ActiveSupport::Cache::FileStore.new("tmp/chats", expires_in: 1.day)
end
