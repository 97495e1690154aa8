class MessagesController < ActionController::Base
  def index
    @turns = conversation.turns
  end

  def create
    @turns = conversation.ask(params[:content])
    respond_to do |format|
      format.turbo_stream
      format.html { redirect_to root_path, status: :see_other }
    end
  end

  private

  def conversation
    Conversation.new(session)
  end
end
