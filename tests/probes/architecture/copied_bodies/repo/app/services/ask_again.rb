class AskAgain
  def initialize(chat, store, limit)
    @chat = chat
    @store = store
    @limit = limit
    @turns = []
    @failed = false
  end

  def name = "ask"

  # What went before.
  def history(messages)
    recent = messages.last(@limit)

    recent = recent.drop(1) while recent.sum { |m| m['content'].length } > 4_000
    recent.each do |m|
      @chat.add_message(role: m['role'].to_sym, content: m['content'])
    end
    recent
  end
end
