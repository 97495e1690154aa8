class Ask
  CHATS = {}

  def self.call(id, text)
    CHATS[id] ||= RubyLLM.chat.with_instructions("Be brief.")
    CHATS[id].ask(text).content
  end
end
