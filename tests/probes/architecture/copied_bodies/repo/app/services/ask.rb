class Ask
  def initialize(chat, store, limit)
    @chat = chat
    @store = store
    @limit = limit
    @turns = []
    @failed = false
  end

  def name = "ask"

  # The turns that are sent along.
  def trimmed(turns)
    kept = turns.last(@limit)
    kept = kept.drop(1) while kept.sum { |turn| turn["content"].length } > 4_000
    kept.each do |turn|
      @chat.add_message(role: turn["role"].to_sym, content: turn["content"])
    end
    kept
  end
end
