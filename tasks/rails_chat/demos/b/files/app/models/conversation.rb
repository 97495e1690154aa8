# The turns of one visitor, kept in the session cookie, which holds about 4 KB.
class Conversation
  MAX_MESSAGES = 20
  MAX_BYTES = 1_800

  def initialize(session)
    @session = session
  end

  def messages
    @session[:messages] || []
  end

  def add_turn(question, answer)
    kept = messages + [
      { "role" => "user", "content" => question },
      { "role" => "assistant", "content" => answer }
    ]
    kept = kept.last(MAX_MESSAGES)
    kept = kept.drop(2) while kept.to_json.bytesize > MAX_BYTES
    @session[:messages] = kept
  end

  def clear
    @session.delete(:messages)
  end
end
